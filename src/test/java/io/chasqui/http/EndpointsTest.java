package io.chasqui.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaMethod;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

class EndpointsTest {
  @Test
  void everyMethodOfAResourceIsTakenByItsPath() {
    int methods = 0;
    for (JavaClass resource :
        new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("io.chasqui")) {
      if (resource.isAnnotatedWith(Path.class)) {
        for (JavaMethod method : resource.getMethods()) {
          if (method.isAnnotatedWith(GET.class) || method.isAnnotatedWith(POST.class)) {
            String name = method.isAnnotatedWith(GET.class) ? "GET" : "POST";
            assertTrue(Endpoints.methods(path(resource, method)).contains(name), method::toString);
            methods++;
          }
        }
      }
    }
    assertTrue(methods >= 8, methods + " methods");
  }

  private static String path(JavaClass resource, JavaMethod method) {
    String rest =
        method.isAnnotatedWith(Path.class)
            ? "/" + method.getAnnotationOfType(Path.class).value()
            : "";
    String path = "/" + resource.getAnnotationOfType(Path.class).value() + rest;
    return path.replaceAll("/+", "/").replaceAll("\\{[^}]*}", "demo");
  }

  @Test
  void aPathWithoutAnythingTakesNoMethod() {
    for (String path : new String[] {"/v1", "/nothing", "/Metrics", "/v1/modelsx", "*", ""}) {
      assertEquals(List.of(), Endpoints.methods(path), path);
    }
  }

  @Test
  void aQueryOrASlashAtTheEndIsNoOtherPath() {
    assertTrue(Endpoints.isFree("/metrics"));
    assertTrue(Endpoints.isFree("/metrics?name=x"));
    assertTrue(Endpoints.isFree("/metrics/"));
    assertFalse(Endpoints.isFree("/metrics//"));
    assertFalse(Endpoints.isFree("/Metrics"));
    assertFalse(Endpoints.isFree("/metrics;x"));
    assertFalse(Endpoints.isFree("/nothing"));
  }
}
