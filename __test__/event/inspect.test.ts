/** What util.inspect() shows of an event. */

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { WaitableEvent } from 'waitable-event';

import { textOf } from '../support/inspect';

let event: WaitableEvent;

beforeEach(() => {
  event = new WaitableEvent();
});

afterEach(() => {
  event.close();
});

/** Returns what is said of the descriptor of an event. On Windows it has none until one is asked for. */
function textOfDescriptor(of: WaitableEvent): string {
  return process.platform === 'win32' ? '' : `, fd: ${of.fileno()}`;
}

describe('the text of an event', () => {
  test('says whether it is set, and its descriptor', () => {
    const fd = textOfDescriptor(event);
    expect(textOf(event)).toBe(`WaitableEvent { set: false${fd} }`);
    event.set();
    expect(textOf(event)).toBe(`WaitableEvent { set: true${fd} }`);
    expect(event.isSet()).toBe(true);
  });

  test('says that it is closed, by whichever thread', () => {
    const other = WaitableEvent.open(event.handle);
    event.close();
    expect([textOf(event), textOf(other)]).toEqual(Array(2).fill('WaitableEvent { closed: true }'));
    other.close();
  });

  test('has the name and the fields of a subclass', () => {
    class Door extends WaitableEvent {
      room = 'hall';
    }
    const door = new Door();
    expect(textOf(door)).toBe(`Door { set: false${textOfDescriptor(door)}, room: 'hall' }`);
    door.close();
  });

  test('is the same within another object, and short at its depth', () => {
    const fd = textOfDescriptor(event);
    expect(textOf({ event })).toBe(`{ event: WaitableEvent { set: false${fd} } }`);
    expect(textOf([[[[event]]]])).toBe('[ [ [ [Array] ] ] ]');
  });
});
