package io.chasqui.http;

/**
 * The body of a request.
 *
 * @param json its bytes
 * @param treeBytes what the tree of its values may take in memory
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record RequestBody(byte[] json, long treeBytes) {}
