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
  group('Start here', page('What it is for', '')),
  group(
    'Do it',
    page('Wake a thread: events', 'event'),
    page('Run a loop beside Node’s', 'run-loop'),
    page('Read devices and sockets', 'descriptors'),
    page('Do something at a time: tasks', 'tasks'),
    page('Schedule and call from threads', 'threads'),
    page('Use a pool of workers', 'pool'),
    page('Test in virtual time', 'testing'),
    page('Use many machines', 'many-machines'),
    page('Queue on BullMQ', 'bullmq'),
  ),
  group('Coming from', page('Coming from', 'coming-from'), page('What differs from Python', 'bacpypes')),
  group(
    'Look it up',
    page('Platforms', 'platforms'),
    page('Errors', 'errors'),
    page('Examples', 'examples'),
    page('A BACnet device', 'bacnet'),
    page('Security', 'security'),
    page('Changes', 'changelog'),
  ),
  group('Performance', page('What costs what', 'performance'), page('Results', 'results')),
  group(
    'Inside',
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
