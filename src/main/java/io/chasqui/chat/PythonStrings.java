package io.chasqui.chat;

import com.hubspot.jinjava.el.JinjavaInterpreterResolver;
import java.beans.FeatureDescriptor;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.function.IntPredicate;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import jinjava.javax.el.CompositeELResolver;
import jinjava.javax.el.ELContext;
import jinjava.javax.el.ELResolver;

/**
 * Python's methods of strings, which chat templates call and Java's strings do not have, or have
 * with another meaning (<a href="https://docs.python.org/3/library/stdtypes.html#string-methods">
 * Python: string methods</a>).
 */
final class PythonStrings extends ELResolver {
  private PythonStrings() {}

  /** What Jinjava resolves by itself, and these methods before it. */
  static ELResolver withJinjavas() {
    var all = new CompositeELResolver();
    all.add(new PythonStrings());
    all.add(JinjavaInterpreterResolver.DEFAULT_RESOLVER_READ_ONLY);
    return all;
  }

  @Override
  public Object invoke(
      ELContext context, Object base, Object method, Class<?>[] types, Object[] arguments) {
    if (!(base instanceof String text) || method == null) {
      return null;
    }
    Object result = call(text, method.toString(), arguments == null ? new Object[0] : arguments);
    context.setPropertyResolved(result != null);
    return result;
  }

  private static Object call(String text, String method, Object[] arguments) {
    return switch (method) {
      case "strip" -> strip(text, arguments, true, true);
      case "lstrip" -> strip(text, arguments, true, false);
      case "rstrip" -> strip(text, arguments, false, true);
      case "split" -> split(text, arguments);
      case "splitlines" -> text.lines().toList();
      case "startswith" -> text.startsWith(string(arguments, 0));
      case "endswith" -> text.endsWith(string(arguments, 0));
      case "upper" -> text.toUpperCase(Locale.ROOT);
      case "lower" -> text.toLowerCase(Locale.ROOT);
      case "capitalize" -> capitalize(text);
      case "title" ->
          Arrays.stream(text.split("(?<=\\P{L})(?=\\p{L})"))
              .map(PythonStrings::capitalize)
              .collect(Collectors.joining());
      case "replace" -> text.replace(string(arguments, 0), string(arguments, 1));
      case "find" -> (long) text.indexOf(string(arguments, 0));
      case "count" -> (long) text.split(Pattern.quote(string(arguments, 0)), -1).length - 1;
      case "join" ->
          ((List<?>) arguments[0]).stream().map(String::valueOf).collect(Collectors.joining(text));
      default -> null;
    };
  }

  private static String string(Object[] arguments, int index) {
    if (index >= arguments.length) {
      throw new IllegalArgumentException("an argument is missing");
    }
    return String.valueOf(arguments[index]);
  }

  private static String strip(String text, Object[] arguments, boolean left, boolean right) {
    IntPredicate goes =
        arguments.length == 0
            ? c -> Character.isWhitespace(c) || Character.isSpaceChar(c)
            : c -> string(arguments, 0).indexOf(c) >= 0;
    int from = 0;
    int to = text.length();
    while (left && from < to && goes.test(text.charAt(from))) {
      from++;
    }
    while (right && to > from && goes.test(text.charAt(to - 1))) {
      to--;
    }
    return text.substring(from, to);
  }

  private static List<String> split(String text, Object[] arguments) {
    if (arguments.length == 0) {
      String stripped = strip(text, arguments, true, true);
      return stripped.isEmpty() ? List.of() : List.of(stripped.split("\\s+"));
    }
    int limit = arguments.length > 1 ? ((Number) arguments[1]).intValue() + 1 : -1;
    return List.of(text.split(Pattern.quote(string(arguments, 0)), limit));
  }

  private static String capitalize(String text) {
    return text.isEmpty()
        ? text
        : text.substring(0, 1).toUpperCase(Locale.ROOT)
            + text.substring(1).toLowerCase(Locale.ROOT);
  }

  @Override
  public Object getValue(ELContext context, Object base, Object property) {
    return null;
  }

  @Override
  public Class<?> getType(ELContext context, Object base, Object property) {
    return null;
  }

  @Override
  public void setValue(ELContext context, Object base, Object property, Object value) {
    // Nothing of a string can be set: left to the resolvers behind this one, which refuse.
  }

  @Override
  public boolean isReadOnly(ELContext context, Object base, Object property) {
    return true;
  }

  @Override
  public Iterator<FeatureDescriptor> getFeatureDescriptors(ELContext context, Object base) {
    return List.<FeatureDescriptor>of().iterator();
  }

  @Override
  public Class<?> getCommonPropertyType(ELContext context, Object base) {
    return Object.class;
  }
}
