// The exceptions of IndexedDB: https://w3c.github.io/IndexedDB/#exceptions
import { DOMExceptionConstructor } from "../infra/primordials.js";

const named = (name) => (message) => new DOMExceptionConstructor(message, name);

export const abortError = named("AbortError");
export const constraintError = named("ConstraintError");
export const dataError = named("DataError");
export const invalidAccessError = named("InvalidAccessError");
export const invalidStateError = named("InvalidStateError");
export const notFoundError = named("NotFoundError");
export const readOnlyError = named("ReadOnlyError");
export const syntaxError = named("SyntaxError");
export const transactionInactiveError = named("TransactionInactiveError");
export const versionError = named("VersionError");
