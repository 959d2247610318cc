/**
 * The public Java API: an {@link io.chasqui.engine.Engine} takes requests and publishes tokens.
 *
 * <p>Imports neither Quarkus nor Jakarta, so that any Java program can embed it.
 */
package io.chasqui.engine;
