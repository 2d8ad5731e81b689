/** How long before its deadline an alarm is set. */

import { expect, test } from '@jest/globals';

import { AlarmLead, monotonicNow } from '../support/internals';

const LONGEST = 0.2;

/** Returns the lead after alarms that took so long. */
function leadAfter(...latencies: number[]): number {
  const lead = new AlarmLead();
  latencies.forEach((latency) => lead.learn(latency));
  return lead.length;
}

test('the first alarm has no lead', () => {
  expect(leadAfter()).toBe(0);
});

test('slow alarms make it longer by a sixteenth of the difference each', () => {
  expect(leadAfter(0.16)).toBeCloseTo(0.01, 12);
  expect(leadAfter(0.16, 0.17)).toBeCloseTo(0.02, 12);
  expect(leadAfter(...Array<number>(200).fill(0.1))).toBeCloseTo(0.1, 5);
});

test('one fast alarm makes it as short as that, and none makes it negative', () => {
  const slow = Array<number>(200).fill(0.1);
  expect(leadAfter(...slow, 0.02)).toBe(0.02);
  expect(leadAfter(...slow, -1)).toBe(0);
});

test('however late alarms are, because the thread was busy or stopped, it has a limit', () => {
  expect(leadAfter(...Array<number>(1000).fill(3_600_000))).toBeCloseTo(LONGEST, 5);
  expect(leadAfter(...Array<number>(1000).fill(Infinity))).toBeLessThanOrEqual(LONGEST);
});

test('an alarm that comes ahead of its deadline counts for that deadline, which is waited for', () => {
  const lead = new AlarmLead();
  const now = monotonicNow();
  const deadline = now + LONGEST;
  lead.onSet(deadline, now, 0);
  expect(lead.horizon(deadline - LONGEST / 2)).toBe(deadline);
  lead.reach(deadline);
  expect(monotonicNow()).toBeGreaterThanOrEqual(deadline);
  expect(lead.length).toBeGreaterThan(0);
});

test('an alarm that is reported for a later deadline counts for the present time', () => {
  const lead = new AlarmLead();
  expect(lead.horizon(1)).toBe(1);
  lead.onSet(2000, 1000, 1000);
  expect([lead.horizon(1001), lead.horizon(2001)]).toEqual([1001, 2001]);
});
