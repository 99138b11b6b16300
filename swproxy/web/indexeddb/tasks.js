// The database task source (https://w3c.github.io/IndexedDB/#database-access-task-source). A task dispatches no more than
// one event, and the next one comes when the microtasks of that have run.
//
// A turn of the engine ends when all microtasks have run, and costs many times what an event does. So some events share a
// turn: the engine does not tell when its microtasks have run, and the next task waits behind so many in a row as few
// scripts have. Only what cannot go wrong if there are still more is done then: see Transaction.
import { op_idb_messages, op_idb_schedule } from "host:ops";
import { turnNumber } from "swproxy:bootstrap";
import { performanceNow } from "../infra/clock.js";
import { ArrayPrototypeShift, queueMicrotask, SafeMap } from "../infra/primordials.js";
import { guarded } from "../events/event_target.js";
import { onDeliver } from "../messaging/receive.js";

// Microtasks, each of which is queued by the one before.
const HOPS = 100;
// Milliseconds after which others have their turn.
const TURN = 8;

/** What a task returns if it has to wait for a turn of its own. */
export const POSTPONED = { __proto__: null };

let tasks = []; // { steps, turn }, of the turn in which it was queued
let postponed = [];
const receivers = new SafeMap(); // type of a message of the host -> what it is for
let isScheduled = false; // that a turn comes
let isRunning = false;
let isExpecting = false; // a message of the host, which may come soon
let hopsLeft = 0;
let turn = 0; // the last one that tasks have run in, and when that began
let turnBegan = 0;

/**
 * Queues steps(isShared). They return whether they have dispatched an event, or POSTPONED, which they may if isShared:
 * microtasks of the turn in which they were queued may still be running.
 */
export function queueDatabaseTask(steps) {
  tasks[tasks.length] = { steps, turn: turnNumber() };
  if (!isRunning) wake();
}

/** The host was asked for something that it mostly has at once: if tasks run in this turn, its answer need not wait. */
export function expectMessage() {
  if (turn !== turnNumber()) return;
  isExpecting = true;
  if (!isRunning) hopOn();
}

function wake() {
  if (!isScheduled) {
    isScheduled = true;
    op_idb_schedule();
  }
  hopOn();
}

function hopOn() {
  if (hopsLeft > 0 || (tasks.length === 0 && !isExpecting)) return;
  if (turn !== turnNumber() || performanceNow() - turnBegan >= TURN) return;
  hopsLeft = HOPS;
  queueMicrotask(hop);
}

function hop() {
  if (--hopsLeft > 0) queueMicrotask(hop);
  else if (!isRunning) guarded(goOn, undefined, []); // else a listener has imported a script, which runs microtasks
}

function goOn() {
  if (tasks.length === 0 && isExpecting) {
    isExpecting = false;
    accept(op_idb_messages());
  }
  run(true);
}

function run(isShared) {
  isRunning = true;
  try {
    while (tasks.length > 0) {
      const task = ArrayPrototypeShift(tasks);
      const outcome = task.steps(isShared && task.turn === turnNumber());
      if (outcome === POSTPONED) postponed[postponed.length] = task;
      else if (outcome) break;
    }
  } finally {
    isRunning = false;
    if (tasks.length > 0 || postponed.length > 0) wake();
    else if (isExpecting) hopOn();
  }
}

/** Calls receiver(message, isShared), as a task, with each message of the host of that type. */
export function onHostMessage(type, receiver) {
  receivers.set(type, receiver);
}

onDeliver("indexedDB", (messages) => {
  turn = turnNumber();
  turnBegan = performanceNow();
  hopsLeft = 0;
  isExpecting = false;
  if (postponed.length > 0) {
    tasks = concatenated(postponed, tasks);
    postponed = [];
  }
  accept(messages);
  run(false);
});

function accept(messages) {
  for (let i = 0; i < messages.length; i++) {
    const message = messages[i];
    const steps = (isShared) => receivers.get(message.type)(message, isShared);
    if (message.type === "run") isScheduled = false;
    else tasks[tasks.length] = { steps, turn: turnNumber() };
  }
}

function concatenated(first, second) {
  const list = [];
  for (let i = 0; i < first.length; i++) list[i] = first[i];
  for (let i = 0; i < second.length; i++) list[list.length] = second[i];
  return list;
}

let lastNumber = 0;
/** A number that nothing else of this realm has: of an open request and its connection, or a transaction. */
export const nextNumber = () => ++lastNumber;
