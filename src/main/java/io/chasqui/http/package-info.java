/** OpenAI's HTTP API on an engine. The only package that knows OpenAI's names. */
package io.chasqui.http;
