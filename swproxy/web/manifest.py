"""What the runtime is made of: where it starts, what is loaded when, and which folder may call which operation."""

import inspect
from collections.abc import Callable
from functools import cache
from typing import Any

from swproxy.web.cache import ops as cache_ops
from swproxy.web.clients import ops as clients_ops
from swproxy.web.compression import ops as compression_ops
from swproxy.web.console import ops as console_ops
from swproxy.web.crypto import ops as crypto_ops
from swproxy.web.encoding import ops as encoding_ops
from swproxy.web.fetch import data_url
from swproxy.web.fetch import ops as fetch_ops
from swproxy.web.file import ops as file_ops
from swproxy.web.html import ops as html_ops
from swproxy.web.indexeddb import ops as indexeddb_ops
from swproxy.web.infra import ops as infra_ops
from swproxy.web.messaging import ops as messaging_ops
from swproxy.web.mime_sniffing import ops as mime_sniffing_ops
from swproxy.web.service_worker import ops as service_worker_ops
from swproxy.web.storage import ops as storage_ops
from swproxy.web.streams import ops as streams_ops
from swproxy.web.structured_clone import ops as structured_clone_ops
from swproxy.web.timers import ops as timers_ops
from swproxy.web.url import ops as url_ops
from swproxy.web.urlpattern import ops as urlpattern_ops
from swproxy.web.web_locks import ops as web_locks_ops
from swproxy.web.websockets import ops as websockets_ops
from swproxy.web.xhr import ops as xhr_ops

# Loads everything that every worker has.
ENTRY = "html/global.js"

# folder -> the modules whose operations its scripts may call
GRANTS: dict[str, tuple[Any, ...]] = {
    "cache": (cache_ops,),
    "clients": (clients_ops,),
    "compression": (compression_ops,),
    "crypto": (crypto_ops,),
    "encoding": (encoding_ops,),
    "fetch": (fetch_ops, data_url),
    "file": (file_ops, fetch_ops, mime_sniffing_ops),
    "html": (html_ops, console_ops),
    "indexeddb": (indexeddb_ops,),
    "infra": (infra_ops,),
    "messaging": (messaging_ops,),
    "service_worker": (service_worker_ops,),
    "storage": (storage_ops,),
    "streams": (fetch_ops, streams_ops),
    "structured_clone": (fetch_ops, structured_clone_ops),
    "timers": (timers_ops,),
    "url": (url_ops,),
    "urlpattern": (urlpattern_ops,),
    "web_locks": (web_locks_ops,),
    "websockets": (websockets_ops, fetch_ops),
    "xhr": (xhr_ops,),
}

# Interfaces that few workers use: the global loads the file when it is first read.
LAZY = {
    "AbortController": "abort/abort_signal.js",
    "AbortSignal": "abort/abort_signal.js",
    "BroadcastChannel": "messaging/broadcast_channel.js",
    "Blob": "file/blob.js",
    "CloseEvent": "websockets/close_event.js",
    "Client": "clients/client.js",
    "Clients": "clients/clients.js",
    "ByteLengthQueuingStrategy": "streams/byte_length_queuing_strategy.js",
    "CountQueuingStrategy": "streams/count_queuing_strategy.js",
    "CompressionStream": "compression/compression_stream.js",
    "Crypto": "crypto/crypto.js",
    "CryptoKey": "crypto/crypto_key.js",
    "CustomEvent": "events/custom_event.js",
    "DOMStringList": "html/dom_string_list.js",
    "DecompressionStream": "compression/decompression_stream.js",
    "DOMMatrix": "geometry/dom_matrix.js",
    "DOMMatrixReadOnly": "geometry/dom_matrix.js",
    "DOMPoint": "geometry/dom_point.js",
    "DOMPointReadOnly": "geometry/dom_point.js",
    "DOMQuad": "geometry/dom_quad.js",
    "DOMRect": "geometry/dom_rect.js",
    "DOMRectReadOnly": "geometry/dom_rect.js",
    "ErrorEvent": "events/error_event.js",
    "ExtendableMessageEvent": "service_worker/extendable_message_event.js",
    "File": "file/file.js",
    "FileList": "file/file_list.js",
    "FileReader": "file/file_reader.js",
    "FormData": "xhr/form_data.js",
    "IDBCursor": "indexeddb/cursor.js",
    "IDBCursorWithValue": "indexeddb/cursor.js",
    "IDBDatabase": "indexeddb/database.js",
    "IDBFactory": "indexeddb/factory.js",
    "IDBIndex": "indexeddb/index.js",
    "IDBKeyRange": "indexeddb/key_range.js",
    "IDBObjectStore": "indexeddb/object_store.js",
    "IDBOpenDBRequest": "indexeddb/request.js",
    "IDBRecord": "indexeddb/record.js",
    "IDBRequest": "indexeddb/request.js",
    "IDBTransaction": "indexeddb/transaction.js",
    "IDBVersionChangeEvent": "indexeddb/version_change_event.js",
    "ImageData": "html/image_data.js",
    "Lock": "web_locks/lock_manager.js",
    "LockManager": "web_locks/lock_manager.js",
    "MessageChannel": "messaging/message_port.js",
    "MessageEvent": "messaging/message_event.js",
    "MessagePort": "messaging/message_port.js",
    "NavigationPreloadManager": "service_worker/navigation_preload_manager.js",
    "Performance": "performance/performance.js",
    "PerformanceEntry": "performance/performance_entry.js",
    "PerformanceMark": "performance/user_timing.js",
    "PerformanceMeasure": "performance/user_timing.js",
    "PerformanceObserver": "performance/performance_observer.js",
    "PerformanceObserverEntryList": "performance/performance_observer.js",
    "PermissionStatus": "permissions/permission_status.js",
    "Permissions": "permissions/permissions.js",
    "ProgressEvent": "xhr/progress_event.js",
    "PromiseRejectionEvent": "events/promise_rejection_event.js",
    "QuotaExceededError": "webidl/quota_exceeded_error.js",
    "ReadableByteStreamController": "streams/readable_byte_stream_controller.js",
    "ReadableStream": "streams/readable_stream.js",
    "ReadableStreamBYOBReader": "streams/readable_stream_byob_reader.js",
    "ReadableStreamBYOBRequest": "streams/readable_stream_byob_request.js",
    "ReadableStreamDefaultController": "streams/readable_stream_default_controller.js",
    "ReadableStreamDefaultReader": "streams/readable_stream_default_reader.js",
    "TextDecoder": "encoding/text_decoder.js",
    "TextDecoderStream": "encoding/text_decoder_stream.js",
    "TextEncoder": "encoding/text_encoder.js",
    "TextEncoderStream": "encoding/text_encoder_stream.js",
    "ServiceWorker": "service_worker/service_worker.js",
    "ServiceWorkerRegistration": "service_worker/service_worker_registration.js",
    "StorageManager": "storage/storage_manager.js",
    "SubtleCrypto": "crypto/subtle_crypto.js",
    "TransformStream": "streams/transform_stream.js",
    "TransformStreamDefaultController": "streams/transform_stream_default_controller.js",
    "URLPattern": "urlpattern/url_pattern.js",
    "WebSocket": "websockets/web_socket.js",
    "WebSocketError": "websockets/web_socket_error.js",
    "WebSocketStream": "websockets/web_socket_stream.js",
    "WindowClient": "clients/client.js",
    "WorkerNavigator": "html/worker_navigator.js",
    "WritableStream": "streams/writable_stream.js",
    "WritableStreamDefaultController": "streams/writable_stream_default_controller.js",
    "WritableStreamDefaultWriter": "streams/writable_stream_default_writer.js",
}


def functions() -> dict[str, Callable[..., Any]]:
    """All operations by name."""
    return {
        name: function
        for modules in GRANTS.values()
        for module in modules
        for name, function in vars(module).items()
        if name.startswith("op_")
    }


@cache
def operations(folder: str) -> dict[str, int]:
    """The operations that the scripts of a folder may call, with their number of arguments."""
    return {
        name: len(inspect.signature(function).parameters) - 1
        for module in GRANTS.get(folder, ())
        for name, function in vars(module).items()
        if name.startswith("op_")
    }
