package io.chasqui.http;

/**
 * The body of a request.
 *
 * @param bytes JSON in UTF-8, and room behind it that belongs to nobody
 * @param length how many of the bytes are the body
 * @param treeBytes what the tree of its values may take in memory
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record RequestBody(byte[] bytes, int length, long treeBytes) {}
