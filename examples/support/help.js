'use strict';
// Prints the comment at the head of an example, if the example was started with --help.

const { readFileSync } = require('node:fs');

module.exports = function printHelp(filename) {
  if (process.argv.slice(2).includes('--help')) {
    const [comment] = /^\/\*\*[^]*?\*\/|(?:^\/\/.*\n)+/m.exec(readFileSync(filename, 'utf8'));
    console.log(comment.replaceAll(/^(?:\/\*\*| \*\/| \*|\/\/) ?/gm, '').trim());
    process.exit();
  }
};
