'use strict';
/**
 * The process of one contender: `node contender.js FILE NAME`. It sets itself up, and measures a round whenever it is asked to. The
 * rest of the time it sleeps. Whoever started it kills it.
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
