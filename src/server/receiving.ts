/** What receives from other threads: loaded with the first handle, since many threads ask for none. */

export { makeSeats } from '../protocol';
export { ProducerSet } from './producer-set';
