'use strict';
/**
 * Runs as the process of one contender: `node contender.js FILE NAME`. It sets itself up, and measures a round each
 * time it is asked to. Otherwise it sleeps. The process that started it kills it.
 */

const { Skipped } = require('./skipped');

const [file, name] = process.argv.slice(2);

async function main() {
  const contender = require(file).contenders.find((one) => one.name === name);
  let round;
  try {
    round = await contender.setup();
  } catch (error) {
    if (!(error instanceof Skipped)) {
      throw error;
    }
    process.send({ skip: error.message });
    return;
  }
  process.on('message', async (count) => process.send({ samples: await round(count) }));
  process.send({ ready: true });
}

process.on('disconnect', () => process.exit());
process.on('unhandledRejection', (error) => {
  throw error;
});
void main();
