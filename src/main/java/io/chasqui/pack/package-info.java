/** Model files: reading, checking, converting and writing them. */
package io.chasqui.pack;
