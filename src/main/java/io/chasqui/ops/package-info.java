/** What a platform asks of the function: start-up, health and metrics. */
package io.chasqui.ops;
