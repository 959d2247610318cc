/** The function's settings, all of them in one documented interface. */
package io.chasqui.config;
