/** What receives from other threads: loaded with the first handle, since many threads ask for none. */

export { ProducerSet } from './producer-set';
