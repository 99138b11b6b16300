// One end of a channel (https://html.spec.whatwg.org/#message-ports): what of a MessagePort goes along when the port is
// transferred, also into another realm. README.md says what the host makes of it.
import { op_port_bounce, op_port_close, op_port_drained, op_port_message, op_port_open } from "host:ops";
import { ArrayPrototypeShift, SafeMap } from "../infra/primordials.js";
import { Record } from "../structured_clone/record.js";
import { setTimer } from "../timers/timers.js";
import { onDeliver } from "./receive.js";

const remote = new SafeMap(); // address -> the end, of those whose other end may be in another realm

export class Endpoint {
  #peer = null; // the other end, if it was in this realm from the beginning
  #channel = null; // otherwise the channel's number, and which of its two ends this is
  #side = 0;
  #queue = []; // port message queue: records
  #receiver = null; // what takes them, once the queue is enabled
  #onClosed = null;
  #isClosed = false; // by the other end

  static entangle() {
    const one = new Endpoint();
    const two = new Endpoint();
    one.#peer = two;
    two.#peer = one;
    return { one, two };
  }

  /** The end of a record that has come from the host, which this realm has from now on. */
  static at(channel, side) {
    return new Endpoint().#address(channel, side);
  }

  #address(channel, side) {
    this.#channel = channel;
    this.#side = side;
    remote.set(channel + side, this);
    return this;
  }

  #forget() {
    remote.delete(this.#channel + this.#side);
    this.#channel = null;
  }

  /** The other end, if it is known to be here. */
  get peer() {
    return this.#peer;
  }

  /** Sends a record to the other end, if there still is one. */
  post(record) {
    if (this.#peer !== null) {
      this.#peer.#arrive(record);
    } else if (this.#channel !== null) {
      sendRecord(record, (message) => op_port_message(this.#channel, this.#side, message));
    }
  }

  #arrive(record) {
    this.#queue[this.#queue.length] = record;
    if (this.#receiver !== null) this.#queueTask();
  }

  /** From now on `receiver` is called with each record, in a task of its own, then `onClosed` in another. */
  enable(receiver, onClosed = null) {
    if (this.#receiver !== null) return;
    this.#receiver = receiver;
    this.#onClosed = onClosed;
    for (let i = 0; i < this.#queue.length; i++) this.#queueTask();
    if (this.#isClosed) this.#queueTask();
  }

  /** It is being transferred: records wait. */
  disable() {
    this.#receiver = null;
  }

  // Tasks of an end that was transferred meanwhile find nothing to do.
  #queueTask() {
    setTimer(0, () => {
      if (this.#receiver === null) return;
      if (this.#queue.length > 0) this.#receiver(ArrayPrototypeShift(this.#queue));
      else if (this.#isClosed) this.#onClosed?.();
    });
  }

  /** The other end has closed. */
  #closed() {
    this.#peer = null;
    this.#isClosed = true;
    if (this.#receiver !== null) this.#queueTask();
  }

  /** What was sent in either direction still arrives. */
  close() {
    this.#onClosed = null;
    if (this.#peer !== null) {
      this.#peer.#closed();
      this.#peer = null;
    } else if (this.#channel !== null) {
      op_port_close(this.#channel, this.#side);
      this.#forget();
    }
  }

  /**
   * Takes the end out of the realm. A record with what is returned is to be sent now, then `follow` called.
   * @returns { address, follow, fail }: fail is called instead if it could not be sent
   */
  leave() {
    const queue = this.#queue;
    this.#queue = [];
    if (this.#channel !== null) {
      const channel = this.#channel;
      const side = this.#side;
      this.#forget();
      return {
        address: [channel, side],
        follow: () => sendAll(queue, (message) => op_port_bounce(channel, side, message)),
        fail: () => op_port_close(channel, side),
      };
    }
    const channel = op_port_open();
    const peer = this.#peer;
    this.#peer = null;
    if (peer !== null) {
      peer.#peer = null;
      peer.#address(channel, 0);
    }
    return {
      address: [channel, 1],
      follow() {
        sendAll(queue, (message) => op_port_message(channel, 0, message));
        if (peer === null) op_port_close(channel, 0);
      },
      fail: () => op_port_close(channel, 1),
    };
  }

  /** Something of the host about the end at an address. */
  static deliver({ end: { 0: channel, 1: side }, what, message }) {
    const endpoint = remote.get(channel + side);
    if (what === "left") op_port_drained(channel, side);
    else if (what === "message" && endpoint === undefined) op_port_bounce(channel, side, message);
    else if (what === "message") endpoint.#arrive(receiveRecord(message));
    else if (endpoint !== undefined) {
      endpoint.#forget();
      endpoint.#closed();
    }
  }
}
onDeliver("ports", Endpoint.deliver);

/**
 * Takes a record out of the realm, the ends among it too; what waits for these follows.
 * @param send is called with { text, parts, ports }: see `Record.toHost`; ports are the addresses of the ends
 */
export function sendRecord(record, send) {
  const { text, parts } = record.toHost();
  const leaving = [];
  const ports = [];
  for (let i = 0; i < record.transferred.length; i++) {
    leaving[i] = record.transferred[i].leave();
    ports[i] = leaving[i].address;
  }
  try {
    send({ text, parts, ports });
  } catch (error) {
    for (let i = 0; i < leaving.length; i++) leaving[i].fail();
    throw error;
  }
  for (let i = 0; i < leaving.length; i++) leaving[i].follow();
}

function sendAll(records, send) {
  for (let i = 0; i < records.length; i++) {
    try {
      sendRecord(records[i], send);
    } catch {
      // It is too large to leave the realm. Nobody waits for an answer who could be told.
    }
  }
}

/** The record of what `sendRecord` has sent, here or in another realm. */
export function receiveRecord(message) {
  const record = Record.fromHost(message);
  for (let i = 0; i < message.ports.length; i++) {
    record.transferred[i] = Endpoint.at(message.ports[i][0], message.ports[i][1]);
  }
  return record;
}
