/** How the next token is chosen from a row of logits, and where the text of an answer ends. */
package io.chasqui.sampling;
