/**
 * OpenTelemetry spans of requests, for those who configure where to send them. No span has a text
 * of a client's or of the model's.
 */
package io.chasqui.tracing;
