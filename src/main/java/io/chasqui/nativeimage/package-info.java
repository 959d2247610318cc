/**
 * What an executable made by GraalVM needs and a JVM does not: the only package that imports {@code
 * org.graalvm}.
 */
package io.chasqui.nativeimage;
