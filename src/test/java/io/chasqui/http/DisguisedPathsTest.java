package io.chasqui.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaMethod;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.TestProfile;
import jakarta.ws.rs.Path;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Without a key no spelling of a path leads anywhere, whatever the router would make of it. */
@QuarkusTest
@TestProfile(RequestGuardTest.Guarded.class)
class DisguisedPathsTest {
  private static final Set<String> METHODS = Set.of("GET", "POST", "x");

  @TestHTTPResource("/")
  URI server;

  /** Every path that a resource of the program has, but those that are free. */
  private static Set<String> routes() {
    Set<String> routes = new TreeSet<>();
    var classes =
        new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("io.chasqui");
    for (JavaClass resource : classes) {
      if (resource.isAnnotatedWith(Path.class)) {
        String path = resource.getAnnotationOfType(Path.class).value();
        for (JavaMethod method : resource.getMethods()) {
          String rest =
              method.isAnnotatedWith(Path.class)
                  ? "/" + method.getAnnotationOfType(Path.class).value()
                  : "";
          routes.add(("/" + path + rest).replaceAll("/+", "/").replaceAll("\\{[^}]*}", "demo"));
        }
      }
    }
    routes.removeIf(Endpoints::isFree);
    assertTrue(routes.contains(Api.CHAT) && routes.contains("/tokenize"), routes.toString());
    return routes;
  }

  static Stream<String> disguises() {
    return routes().stream()
        .flatMap(route -> {
          String tail = route.substring(1);
          String first = tail.split("/", -1)[0];
          String afterFirst = tail.substring(first.length());
          String letter = "/%%%02x%s".formatted((int) tail.charAt(0), tail.substring(1));
          return Stream.of(
              route,
              route + "/",
              route + "?key=1",
              route + ";x",
              route + ";x=/metrics",
              "/;" + route,
              "/" + first + ";x" + afterFirst,
              "/" + first + ";jsessionid=1,2" + afterFirst,
              "/" + route,
              "//" + route,
              "/." + route,
              "/x/.." + route,
              "/metrics/.." + route,
              "/metrics;/.." + route,
              "/%2e" + route,
              "/metrics/%2e%2e" + route,
              "/metrics%2f.." + route,
              "/metrics/..;" + route,
              letter,
              letter.toUpperCase(Locale.ROOT),
              "/" + first + "%2f" + afterFirst.replaceFirst("/", ""),
              "/" + first + "%5c" + afterFirst.replaceFirst("/", ""),
              "/" + first + "\\" + afterFirst.replaceFirst("/", ""),
              route.toUpperCase(Locale.ROOT),
              route + "%00",
              route + "%20",
              route + "%3bx",
              route + "#",
              route + "/../" + tail,
              "http://localhost" + route,
              "http://localhost/metrics/.." + route,
              "HTTP://a@b" + route,
              tail,
              "*" + route);
        });
  }

  @ParameterizedTest
  @MethodSource("disguises")
  void noSpellingOfAPathNeedsNoKey(String target) {
    for (String method : METHODS) {
      try (var connection = new RawConnection(server)) {
        String body = Api.completion("One", "max_tokens", 1);
        connection.send(
            "%s %s HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s"
                .formatted(method, target, body.length(), body)
                .getBytes(StandardCharsets.UTF_8));

        String status = connection.readHead().statusLine();

        // Vert.x itself has nothing where a path does not begin with a slash.
        String refused = target.startsWith("/") ? "HTTP/1.1 40[01] .*" : "HTTP/1.1 40[014] .*";
        assertTrue(status.matches(refused), method + " " + target + ": " + status);
      }
    }
  }

  @Test
  void neitherDoesOneOfHttp2() throws Exception {
    try (HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_2).build()) {
      client.send(request("/metrics").build(), HttpResponse.BodyHandlers.discarding());
      for (String target :
          new String[] {"/v1;x/models", "/v1/models", "/v%31/models", "//v1/models"}) {
        HttpResponse<Void> refused =
            client.send(request(target).build(), HttpResponse.BodyHandlers.discarding());

        assertEquals(HttpClient.Version.HTTP_2, refused.version());
        assertTrue(Set.of(400, 401).contains(refused.statusCode()), target);
      }
    }
  }

  private HttpRequest.Builder request(String target) {
    return HttpRequest.newBuilder(
        URI.create("http://%s:%d%s".formatted(server.getHost(), server.getPort(), target)));
  }

  @Test
  void theErrorOfAPathThatIsNotPlainSaysHowToWriteIt() {
    HttpResponse<String> refused = Api.send(request("/v1;x/models"));

    assertEquals(400, refused.statusCode());
    assertEquals("invalid_path", Api.error(refused).get("code").textValue());
  }
}
