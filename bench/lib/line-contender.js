'use strict';
/**
 * Runs as the process of one contender on any runtime: `line-contender.js FILE NAME`, where FILE exports `onEach`. For
 * each line with a number it measures that many operations, and prints a line of JSON with the samples. Between them it
 * sleeps. The process that started it kills it.
 */

const { createInterface } = require('node:readline');

const [file, name] = process.argv.slice(2);

async function main() {
  const round = await require(file).onEach[name].setup();
  for await (const line of createInterface({ input: process.stdin })) {
    const samples = await round(Number(line));
    process.stdout.write(`${JSON.stringify({ samples: Array.from(samples) })}\n`);
  }
  process.exit();
}

process.on('unhandledRejection', (error) => {
  throw error;
});
void main();
