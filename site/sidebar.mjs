// What the site's sidebar has, in the order in which the pages are read.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const api = join(import.meta.dirname, 'pages', 'api');

/** The kinds of a module's members, by their folders. */
const KINDS = {
  classes: 'Classes',
  functions: 'Functions',
  variables: 'Variables',
  interfaces: 'Options and interfaces',
  'type-aliases': 'Types',
};

const isError = (name) => name.endsWith('Error');

const page = (text, link) => ({ text, link: `/${link}` });

const group = (text, ...items) => ({ text, collapsed: false, items });

export const guide = [
  group(
    'Start here',
    page('What it is for', ''),
    page('Getting started', 'getting-started'),
    page('Find an answer', 'find-an-answer'),
  ),
  group(
    'How to',
    page('Block a worker on a serial port', 'serial-port'),
    page('Ask the main thread synchronously', 'ask-synchronously'),
    page('Test a nightly task', 'test-a-nightly-task'),
    page('Shut down', 'shutting-down'),
    page('Why does it not exit?', 'process-does-not-exit'),
    page('Debug', 'debugging'),
  ),
  group(
    'Guides',
    page('Wake a thread: events', 'event'),
    page('Wait for anything: the run loop', 'run-loop'),
    page('Devices and descriptors', 'descriptors'),
    page('Do something at a time: tasks', 'tasks'),
    page('Schedule and call from threads', 'threads'),
    page('Pools of workers', 'pool'),
    page('Virtual time for tests', 'testing'),
    page('Many machines', 'many-machines'),
    page('The layer over BullMQ', 'bullmq'),
  ),
  group('Platforms', page('What happens on Windows', 'windows'), page('Linux, macOS, Alpine, Bun, Deno', 'platforms')),
  group(
    'Coming from',
    page('threading.Event', 'coming-from#threadingevent'),
    page('asyncio', 'coming-from#asyncio'),
    page('BACpypes', 'coming-from#bacpypes'),
    page('piscina', 'coming-from#piscina'),
    page('synckit', 'coming-from#synckit'),
    page('epoll (fivdi/epoll)', 'coming-from#epoll'),
    page('onoff', 'coming-from#onoff'),
    page('What differs from Python', 'bacpypes'),
  ),
  group(
    'Look it up',
    page('Errors by code', 'errors'),
    page('Every class and function', 'api/'),
    page('Examples', 'examples'),
    page('Example: a BACnet device', 'bacnet'),
    page('Glossary', 'glossary'),
    page('Changes', 'changelog'),
    page('Security', 'security'),
  ),
  group('Performance', page('What costs what', 'performance'), page('Results of a run', 'results')),
  group(
    'Inside',
    page('How it works', 'internals'),
    page('Architecture', 'architecture'),
    page('Dependencies', 'dependencies'),
    page('Contributing', 'contributing'),
  ),
];

function membersOf(module, kind) {
  const folder = join(api, module, kind);
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).map((file) => file.replace('.md', ''));
  return names.toSorted().map((name) => page(name, `api/${module}/${kind}/${name}`));
}

/** Returns the sidebar of the pages of the interface, which TypeDoc has made. */
export function interfacePages() {
  const modules = ['waitable-event', 'waitable-event/pool', 'waitable-event/testing'];
  return modules.map((module) => {
    const kinds = Object.entries(KINDS).flatMap(([kind, text]) => {
      const members = membersOf(module, kind);
      const errors = members.filter((each) => isError(each.text));
      const others = members.filter((each) => !isError(each.text));
      const groups = [
        { text, collapsed: true, items: others },
        { text: 'Errors', collapsed: true, items: errors },
      ];
      return groups.filter(({ items }) => items.length > 0);
    });
    return { text: module, link: `/api/${module}/`, items: kinds };
  });
}
