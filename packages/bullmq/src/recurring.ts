/**
 * Recurring tasks: BullMQ's job schedulers, on the grid of the epoch plus an offset. Each member may declare the same
 * one. There is one run for each point of the grid, however many members there are.
 *
 * BullMQ makes the next run after the claim of the last one, in a second command. A member that dies in between leaves
 * the chain without a next run. So each member that declared it looks after it.
 */

import { isDeepStrictEqual } from 'node:util';

import { InvalidArgValueError } from 'waitable-event';

import { encode } from './codec';
import { type Member } from './member';
import { numberOf, stringOf } from './options';
import { commonOptions } from './schedule';
import { type TaskData } from './task-data';
import { RecurringTask } from './recurring-task';
import { type ClusterScheduleOptions, type ClusterTask } from './types';

const PREFIX = 'recurring:';
/** The first point is so far away that the command arrives before it. */
const MARGIN = 50;
/** A chain whose next run is so much overdue is looked at. */
const GRACE = 250;
const LONGEST_TIMER = 2 ** 31 - 1;

interface Declaration {
  key: string;
  name: string;
  data: TaskData & { interval: number; offset: number };
  options: ClusterScheduleOptions;
}

export class RecurringTasks {
  readonly #member: Member;
  readonly #watches = new Map<string, NodeJS.Timeout>();

  constructor(member: Member) {
    this.#member = member;
  }

  /** Declares a recurring task, and resolves with its id. */
  async declare(name: string, payload: unknown, options: ClusterScheduleOptions): Promise<string> {
    const { settings } = this.#member;
    const whole = true;
    const interval = numberOf('options.interval', options.interval, { min: 1, max: 2 ** 53, whole, standard: 0 });
    const given = numberOf('options.offset', options.offset, { min: -(2 ** 53), max: 2 ** 53, whole, standard: 0 });
    if (options.id !== undefined) throw new InvalidArgValueError('options.id', 'left out: a key names it', options.id);
    const key = options.key === undefined ? stringOf('name', name) : stringOf('options.key', options.key);
    const offset = ((given % interval) + interval) % interval;
    const data = { v: 1 as const, ...encode(payload, settings.maxPayload), interval, offset };
    const declaration = { key, name, data, options };
    await this.#member.submit.run(`schedule() of ${name}`, () => this.#store(declaration));
    this.#watch(declaration);
    return PREFIX + key;
  }

  async #upsert({ key, name, data, options }: Declaration): Promise<void> {
    const { queue, clock } = this.#member;
    const { interval, offset } = data;
    const old = await queue.getJobScheduler(key);
    const previous: TaskData | undefined = old?.template?.data;
    // BullMQ goes on from the last point, also when the grid is another one.
    if (previous !== undefined && (previous.interval !== interval || previous.offset !== offset)) {
      await queue.removeJobScheduler(key);
    }
    const after = Math.max(clock.now(), Date.now()) + MARGIN;
    const startDate = Math.ceil((after - offset) / interval) * interval + offset;
    // A task that was suspended stays so when a member starts again.
    const suspended = previous?.suspended === true ? { suspended: true as const } : {};
    const template = { name, data: { ...data, ...suspended }, opts: commonOptions(this.#member, options) };
    // BullMQ takes the offset from the first point, on Redis only: on PostgreSQL it has to be told.
    await queue.upsertJobScheduler(key, { every: interval, startDate, offset }, template);
  }

  /** Stores a declaration, unless another member has stored the same. */
  async #store(declaration: Declaration): Promise<void> {
    const { queue } = this.#member;
    const isStored = async (): Promise<boolean> => {
      const { suspended: _suspended, ...data }: TaskData =
        (await queue.getJobScheduler(declaration.key))?.template?.data ?? {};
      return isDeepStrictEqual(data, declaration.data);
    };
    if (await isStored()) return;
    try {
      await this.#upsert(declaration);
    } catch (error) {
      // Two members that declare at the same time are in each other's way: one of them succeeds.
      if (!(await isStored())) throw error;
    }
  }

  /** Looks after a chain, until the task is cancelled. */
  #watch(declaration: Declaration): void {
    const { key, data } = declaration;
    clearTimeout(this.#watches.get(key));
    const wait = Math.min(Math.max(data.interval, 1000) + GRACE, LONGEST_TIMER);
    const look = async (): Promise<void> => {
      const { queue, counts } = this.#member;
      const scheduler = await queue.getJobScheduler(key);
      if (scheduler === undefined) {
        this.#watches.delete(key);
        return;
      }
      if (await this.#isBroken(key, scheduler.next, data.interval)) {
        await this.#upsert(declaration);
        counts.repairedChains += 1;
      }
      if (this.#watches.has(key)) this.#watch(declaration);
    };
    const again = (): void => {
      if (this.#watches.has(key)) this.#watch(declaration);
    };
    this.#watches.set(key, setTimeout(() => void look().catch(again), wait).unref());
  }

  /** Returns whether the last run was claimed, and no next one was made. */
  async #isBroken(key: string, next: number | undefined, interval: number): Promise<boolean> {
    const { queue, clock } = this.#member;
    if (next === undefined || clock.now() < next + Math.min(interval, GRACE) + GRACE) return false;
    // It may only wait behind others.
    const job = await queue.getJob(`repeat:${key}:${next}`);
    const state = await job?.getState();
    return !(state === 'waiting' || state === 'prioritized' || state === 'delayed');
  }

  /** Returns the task for an id of `declare()`; undefined for another id. */
  task(id: string): ClusterTask | undefined {
    if (!id.startsWith(PREFIX)) return undefined;
    const key = id.slice(PREFIX.length);
    return new RecurringTask(this.#member, id, key, () => {
      clearTimeout(this.#watches.get(key));
      this.#watches.delete(key);
    });
  }

  close(): void {
    for (const timer of this.#watches.values()) clearTimeout(timer);
    this.#watches.clear();
  }
}
