/**
 * Text to token ids and back: byte-pair encoding in its byte-level and byte-fallback forms, with
 * the normalizers, pre-tokenizers and added tokens that a {@code tokenizer.json} names. Imports the
 * JDK only, and holds plain tables, so that a packed model file can fill them without parsing.
 */
package io.chasqui.tokenizer;
