#!/usr/bin/env node
'use strict';

const { parseArgs } = require('node:util');

const HELP = `Usage: waitable-event-bullmq COMMAND URL [--schema NAME]

Commands:
  check URL     checks a store: whether it answers, keeps what it is told, evicts nothing, and what its clock says
  migrate URL   makes or updates BullMQ's tables in a PostgreSQL; forward only

A URL has the scheme redis:, rediss:, postgres: or postgresql:.`;

async function check(url, schema) {
  const { checkStore } = require('../lib/src/check-store.js');
  const { lines, isGood } = await checkStore(url, schema);
  console.log(lines.join('\n'));
  return isGood ? 0 : 1;
}

async function migrate(url, schema) {
  const { runMigrations } = require('bullmq');
  const { Client } = require('pg');
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    console.log(`Schema version ${await runMigrations(client, schema)}`);
  } finally {
    await client.end();
  }
  return 0;
}

async function main() {
  const options = { schema: { type: 'string' }, help: { type: 'boolean', default: false } };
  const { values, positionals } = parseArgs({ allowPositionals: true, options });
  const [command, url] = positionals;
  const run = { check, migrate }[command];
  if (values.help || run === undefined || url === undefined) {
    (values.help ? console.log : console.error)(HELP);
    return values.help ? 0 : 2;
  }
  return run(url, values.schema);
}

async function start() {
  try {
    process.exitCode = await main();
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}

void start();
