/** Seats of producers that do not get to introduce themselves: see `protocol/seats.ts`. */

import { expect, test } from '@jest/globals';

import { freeSeat, isAbandoned, makeSeats, readSeat, takeSeat } from '../support/internals';
import { until } from '../support/threads';
import { WorkerHarness } from '../support/worker-harness';

const CAPACITY = 16;

test('a seat has one taker, and a producer without one gets none', () => {
  const seats = makeSeats(CAPACITY);
  const taken = seats.map(() => takeSeat(seats));
  expect(new Set(taken.map((each) => each?.seat))).toEqual(new Set(seats));
  expect(takeSeat(seats)).toBeUndefined();
  expect(seats.map(isAbandoned)).toEqual(seats.map(() => false));
  taken.forEach((each) => each?.doorbell.close());
});

test('a seat whose taker has closed its doorbell, and did not introduce itself, can be freed', () => {
  const seats = makeSeats(CAPACITY).slice(0, 1);
  const first = takeSeat(seats);
  first?.doorbell.close();
  expect(seats.map(isAbandoned)).toEqual([true]);
  expect(takeSeat(seats)).toBeUndefined();
  seats.forEach(freeSeat);
  const second = takeSeat(seats);
  // What the first one still does with its doorbell does not reach that of the second.
  first?.doorbell.close();
  expect([second?.doorbell.closed, second?.doorbell.isSet()]).toEqual([false, false]);
  expect(seats.map(isAbandoned)).toEqual([false]);
  second?.doorbell.close();
});

test('a seat whose taker was terminated before it introduced itself can be freed', async () => {
  const seats = makeSeats(CAPACITY).slice(0, 1);
  const taker = new WorkerHarness('internals/take-seat.js', { seats });
  await taker.reached(1);
  expect(seats.map((seat) => [isAbandoned(seat), readSeat(seat)])).toEqual([[false, undefined]]);
  await taker.terminate();
  await until(
    () => seats.every(isAbandoned),
    () => 'the seat to be abandoned',
  );
  seats.forEach(freeSeat);
  const next = takeSeat(seats);
  expect(next?.doorbell.closed).toBe(false);
  next?.doorbell.close();
});
