// The database task source (https://w3c.github.io/IndexedDB/#database-access-task-source). A task dispatches no more than
// one event, and the next one comes when the microtasks of that have run.
//
// A turn of the engine ends when all microtasks have run, and costs a hundred times what a task does. So some tasks share
// a turn: the engine does not tell when its microtasks have run, and the next task waits behind so many in a row as no
// script but an odd one has.
import { op_idb_schedule } from "host:ops";
import { turnNumber } from "swproxy:bootstrap";
import { performanceNow } from "../infra/clock.js";
import { ArrayPrototypeShift, queueMicrotask, SafeMap } from "../infra/primordials.js";
import { guarded } from "../events/event_target.js";
import { onDeliver } from "../messaging/receive.js";

// Microtasks, each of which is queued by the one before.
const HOPS = 100;
// Milliseconds after which others have their turn.
const TURN = 8;

const tasks = [];
let isScheduled = false; // that a turn comes, or that `run` follows in this one
let cleanUp = () => {};
const receivers = new SafeMap(); // type of a message of the host -> what it is for
let hopsLeft = 0;
let turn = 0; // the last one that tasks have run in, and when that began
let turnBegan = 0;
let shared = 0; // tasks so far that were not the first of their turn

/** A number that is another one for each task: what was done with the last one is over, microtasks included. */
export const taskNumber = () => turnNumber() + shared;

/** Queues steps() that may dispatch an event; whether they did is what they return. */
export function queueDatabaseTask(steps) {
  tasks[tasks.length] = steps;
  schedule();
}

/** Lets the tasks run, even if there are none but to clean up. */
export function schedule() {
  if (isScheduled) return;
  isScheduled = true;
  if (turn === turnNumber() && performanceNow() - turnBegan < TURN) {
    hopsLeft = HOPS;
    queueMicrotask(hop);
  } else {
    op_idb_schedule();
  }
}

function hop() {
  if (--hopsLeft > 0) {
    queueMicrotask(hop);
  } else {
    shared++;
    guarded(run, undefined, []);
  }
}

/** Sets what is done before the tasks of each turn. */
export function setCleanUp(function_) {
  cleanUp = function_;
}

function run() {
  isScheduled = false;
  if (turn !== turnNumber()) {
    turn = turnNumber();
    turnBegan = performanceNow();
  }
  cleanUp();
  while (tasks.length > 0) if (ArrayPrototypeShift(tasks)()) break;
  if (tasks.length > 0) schedule();
}

/** Calls the receiver, as a task of its own, with each message of the host of that type. */
export function onHostMessage(type, receiver) {
  receivers.set(type, receiver);
}

onDeliver("indexedDB", (detail) => {
  if (detail.type !== "run") tasks[tasks.length] = () => receivers.get(detail.type)(detail);
  run();
});

let lastNumber = 0;
/** A number that nothing else of this realm has: of an open request and its connection, or a transaction. */
export const nextNumber = () => ++lastNumber;
