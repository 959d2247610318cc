/** LangChain4j's interfaces on an {@link io.chasqui.engine.Engine}. */
package io.chasqui.langchain4j;
