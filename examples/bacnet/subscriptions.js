'use strict';
/** Who is told of changes: subscriptions, whose lifetimes are tasks, and notifications, whose time-outs are tasks. */

const { OneShotTask } = require('../..');

const { keyOf } = require('./objects');

/** How many clients may subscribe: as many as there are numbers for requests without an answer. */
const LIMIT = 256;

/**
 * A notification that waits for its acknowledgement. Each time-out sends it again, until it was sent `retries` times
 * more, as the standard says. The task is due no earlier than its time-out.
 */
class Notification extends OneShotTask {
  constructor(subscription, invokeId, { timeout, retries }) {
    super();
    this.subscription = subscription;
    this.invokeId = invokeId;
    this.timeout = timeout;
    this.left = retries;
    this.send();
  }

  send() {
    this.subscription.send(this.invokeId);
    this.installTask({ delta: this.timeout });
  }

  processTask() {
    if (this.left > 0) {
      this.left -= 1;
      this.send();
    } else {
      this.subscription.settle(`no acknowledgement from ${this.subscription}`);
    }
  }
}

/** One client's interest in one object. The task is the end of its lifetime. */
class Subscription extends OneShotTask {
  /** The value that the client was told last. */
  known = undefined;
  /** The confirmed notification that is on its way. */
  pending = undefined;

  constructor(list, object, request) {
    super();
    this.list = list;
    this.object = object;
    this.peer = request.peer;
    this.process = request.content.subscriberProcessId;
    this.renew(request.content);
  }

  /** Begins a lifetime in seconds; 0 is forever. */
  renew({ lifetime = 0, issueConfirmedNotifications }) {
    this.isConfirmed = issueConfirmedNotifications;
    this.suspendTask();
    this.end = lifetime === 0 ? undefined : performance.now() + lifetime * 1000;
    if (lifetime > 0) this.installTask({ delta: lifetime * 1000 });
  }

  processTask() {
    this.list.remove(this);
    this.list.log.line(`the subscription of ${this} has ended`);
  }

  /** Tells the client of the value. If it has not answered yet, it is told of the newest value when it has. */
  notify() {
    if (this.pending !== undefined) return;
    this.known = this.object.value;
    if (this.isConfirmed) {
      this.pending = this.list.makeNotification(this);
    } else {
      this.send();
    }
  }

  /** Sends a notification. `invokeId` makes it a confirmed one. */
  send(invokeId) {
    const timeRemaining = this.end === undefined ? 0 : Math.max(1, Math.round((this.end - performance.now()) / 1000));
    const { object, process, peer } = this;
    this.list.send(peer, { invokeId, process, objectId: object.id, timeRemaining, values: object.reported });
  }

  /** Ends the notification that is on its way; `reason` says why it has failed. */
  settle(reason) {
    const { pending } = this;
    if (pending === undefined) return;
    this.pending = undefined;
    pending.suspendTask();
    this.list.forget(pending);
    if (reason !== undefined) this.list.log.line(reason);
    else if (this.list.has(this) && this.object.differs(this.known)) this.notify();
  }

  toString() {
    return `${this.peer.address}:${this.peer.port}, process ${this.process}, to ${this.object.name}`;
  }
}

/** All subscriptions of a device. */
class Subscriptions {
  #byKey = new Map();
  /** The notifications that wait for an acknowledgement, by their numbers. */
  #notifications = new Map();
  #nextId = 0;

  /** `send` sends a notification to a client. */
  constructor({ send, log, timing }) {
    this.send = send;
    this.log = log;
    this.timing = timing;
  }

  get size() {
    return this.#byKey.size;
  }

  get pending() {
    return this.#notifications.size;
  }

  has(subscription) {
    return this.#byKey.get(keyFor(subscription)) === subscription;
  }

  /** Returns the subscriptions, for the console. */
  [Symbol.iterator]() {
    return this.#byKey.values();
  }

  /** Adds a subscription, or renews it. Returns it, or undefined when there are too many. */
  add(object, request) {
    const { peer, content } = request;
    const known = this.#byKey.get(keyFor({ object, peer, process: content.subscriberProcessId }));
    if (known !== undefined) {
      known.renew(content);
      return known;
    }
    if (this.size === LIMIT) return undefined;
    const subscription = new Subscription(this, object, request);
    this.#byKey.set(keyFor(subscription), subscription);
    return subscription;
  }

  /** Cancels the subscription of a request; one that is not there is cancelled, too. */
  cancel(object, { peer, content }) {
    const known = this.#byKey.get(keyFor({ object, peer, process: content.subscriberProcessId }));
    if (known !== undefined) this.remove(known);
  }

  remove(subscription) {
    this.#byKey.delete(keyFor(subscription));
    subscription.suspendTask();
    subscription.settle();
  }

  /** Tells all who want to know that an object has changed. */
  onChange(object) {
    for (const subscription of this.#byKey.values()) {
      if (subscription.object === object && object.differs(subscription.known)) subscription.notify();
    }
  }

  /** Makes a confirmed notification with a free number. There are as many numbers as subscriptions. */
  makeNotification(subscription) {
    while (this.#notifications.has(this.#nextId)) this.#nextId = (this.#nextId + 1) % LIMIT;
    const notification = new Notification(subscription, this.#nextId, this.timing);
    this.#notifications.set(this.#nextId, notification);
    this.#nextId = (this.#nextId + 1) % LIMIT;
    return notification;
  }

  forget({ invokeId }) {
    this.#notifications.delete(invokeId);
  }

  /** Takes an answer. Only the client that was asked can give it. */
  onAnswer({ peer, invokeId }, refusal) {
    const subscription = this.#notifications.get(invokeId)?.subscription;
    if (subscription !== undefined && isSame(subscription.peer, peer)) {
      subscription.settle(refusal && `${subscription} has answered a notification with ${refusal}`);
    }
  }

  /** Ends all of them, without a word to the clients. */
  close() {
    for (const subscription of this.#byKey.values()) this.remove(subscription);
  }
}

function isSame(one, other) {
  return networkKey(one) === networkKey(other);
}

function networkKey({ address, port, network }) {
  return `${address}:${port}/${network === undefined ? '' : `${network.net}:${network.adr}`}`;
}

function keyFor({ object, peer, process }) {
  return `${networkKey(peer)}/${process}/${keyOf(object.id)}`;
}

module.exports = { Subscriptions };
