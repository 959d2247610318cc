package io.chasqui.engine;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.Flow;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.opentest4j.TestAbortedException;
import org.reactivestreams.tck.TestEnvironment;
import org.reactivestreams.tck.flow.FlowPublisherVerification;
import org.testng.SkipException;
import org.testng.annotations.BeforeMethod;
import org.testng.annotations.Test;

/**
 * The Technology Compatibility Kit of Reactive Streams against {@link EventChannel}. It is written
 * for TestNG; its methods are run here by reflection.
 */
class EventChannelRulesTest {

  @TestFactory
  Stream<DynamicTest> theRulesOfReactiveStreamsHold() {
    var tests =
        Arrays.stream(Verification.class.getMethods())
            .filter(method -> method.isAnnotationPresent(Test.class))
            .filter(method -> !method.getName().equals(OF_EMPTY_STREAMS))
            .sorted(Comparator.comparing(Method::getName))
            .toList();
    assertTrue(tests.size() > 30, "the kit has only " + tests.size() + " tests");
    return tests.stream()
        .map(method -> DynamicTest.dynamicTest(method.getName(), () -> run(method)));
  }

  /** A generation always publishes its end. */
  private static final String OF_EMPTY_STREAMS =
      "optional_spec105_emptyStreamMustTerminateBySignallingOnComplete";

  private static void run(Method test) throws Throwable {
    var verification = new Verification();
    for (Method method : Verification.class.getMethods()) {
      if (method.isAnnotationPresent(BeforeMethod.class)) {
        invoke(verification, method);
      }
    }
    invoke(verification, test);
  }

  private static void invoke(Verification verification, Method method) throws Throwable {
    try {
      method.invoke(verification);
    } catch (InvocationTargetException e) {
      if (e.getCause() instanceof SkipException skip) {
        throw new TestAbortedException(skip.getMessage(), skip);
      }
      throw e.getCause();
    }
  }

  /** Public with public methods, as the kit's annotations want it. */
  public static final class Verification extends FlowPublisherVerification<GenerationEvent> {

    public Verification() {
      // Milliseconds: generous for what must come, short for what must not.
      super(new TestEnvironment(2_000, 50), 500);
    }

    /** Some tokens and the end, which is an event too. */
    @Override
    public Flow.Publisher<GenerationEvent> createFlowPublisher(long elements) {
      var channel = new EventChannel(4, 1, () -> {}, () -> {});
      Thread.ofVirtual().start(() -> produce(channel, elements - 1));
      return channel;
    }

    private static void produce(EventChannel channel, long tokens) {
      for (int i = 0; i < tokens && !channel.isCancelled(); i++) {
        EventChannelTest.put(channel, EventChannelTest.token(i));
      }
      channel.finish(List.of(), EventChannelTest.END);
    }

    @Override
    public Flow.Publisher<GenerationEvent> createFailedFlowPublisher() {
      var channel = new EventChannel(4, 1, () -> {}, () -> {});
      channel.fail(new IllegalStateException("failed from the beginning"), new Usage(1, 0));
      return channel;
    }
  }
}
