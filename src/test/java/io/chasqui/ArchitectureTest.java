package io.chasqui;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.methods;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import io.smallrye.common.annotation.Blocking;
import io.smallrye.mutiny.Uni;
import jakarta.ws.rs.HttpMethod;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What each package may import, from the bottom to the top. */
class ArchitectureTest {
  private static final String JDK = "java..";
  private static final String JSON = "com.fasterxml.jackson..";
  private static final String JLAMA = "com.github.tjake.jlama..";

  private static JavaClasses all;

  @BeforeAll
  static void read() {
    all =
        new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .importPackages("io.chasqui");
  }

  @Test
  void kernelTokenizerAndSamplingImportTheJdkOnly() {
    mayImport("kernel", JDK, "jdk.incubator.vector..");
    mayImport("tokenizer", JDK);
    mayImport("sampling", JDK);
  }

  @Test
  void packReadsModelFilesAndWritesThemForKernelsAndTokenizer() {
    mayImport("pack", JDK, JSON, ours("kernel"), ours("tokenizer"));
  }

  @Test
  void estimateImportsTheLayoutOfKeysAndValuesOnly() {
    mayImport("estimate", JDK, ours("kernel"));
  }

  @Test
  void engineImportsWhatIsBelowItAndTheLibrariesItRunsOn() {
    mayImport(
        "engine",
        JDK,
        JSON,
        JLAMA,
        ours("chat"),
        ours("estimate"),
        ours("kernel"),
        ours("model"),
        ours("pack"),
        ours("sampling"),
        ours("tokenizer"));
  }

  @Test
  void modelImportsKernelsAndPackedFiles() {
    mayImport("model", JDK, ours("kernel"), ours("pack"));
  }

  @Test
  void chatImportsJinjavaOnly() {
    mayImport("chat", JDK, "com.hubspot.jinjava..", "jinjava..");
  }

  @Test
  void langchain4jImportsTheEngineAndItsParameters() {
    mayImport(
        "langchain4j", JDK, "dev.langchain4j..", ours("engine"), ours("chat"), ours("sampling"));
  }

  @Test
  void opsImportsTheEngineAndTheConfiguration() {
    noClasses()
        .that()
        .resideInAPackage(ours("ops"))
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(ours("http"), ours("langchain4j"), ours("pack"), JLAMA)
        .check(all);
  }

  /** WorkerThread tells why. */
  @Test
  void resourcesAreServedOnEventLoops() {
    // RESTEasy calls a method that returns anything else on a worker thread.
    methods()
        .that()
        .areMetaAnnotatedWith(HttpMethod.class)
        .should()
        .haveRawReturnType(Uni.class)
        .andShould()
        .notBeAnnotatedWith(Blocking.class)
        .check(all);
    noClasses().should().beAnnotatedWith(Blocking.class).check(all);
  }

  @Test
  void httpReachesModelsThroughTheEngineOnly() {
    noClasses()
        .that()
        .resideInAPackage(ours("http"))
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(ours("langchain4j"), ours("pack"), JLAMA)
        .check(all);
  }

  @Test
  void tracingKnowsRequestsToTheEngineAndNothingOfTheServer() {
    noClasses()
        .that()
        .resideInAPackage(ours("tracing"))
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(
            ours("http"), ours("ops"), ours("config"), ours("model"), ours("tokenizer"))
        .check(all);
  }

  @Test
  void nothingBelowTheServerKnowsQuarkusOrJakarta() {
    noClasses()
        .that()
        .resideInAnyPackage(
            ours("chat"),
            ours("engine"),
            ours("estimate"),
            ours("kernel"),
            ours("langchain4j"),
            ours("model"),
            ours("pack"),
            ours("sampling"),
            ours("tokenizer"))
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("io.quarkus..", "jakarta..", "io.vertx..", "io.smallrye..")
        .check(all);
  }

  @Test
  void nativeimageAloneImportsGraalvm() {
    mayImport(
        "nativeimage",
        JDK,
        "org.graalvm..",
        "com.oracle.svm.core.annotate..",
        "io.opentelemetry..",
        ours("kernel"));
    noClasses()
        .that()
        .resideOutsideOfPackage(ours("nativeimage"))
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("org.graalvm..", "com.oracle.svm..")
        .check(all);
  }

  @Test
  void noTwoPackagesImportEachOther() {
    slices().matching("io.chasqui.(*)..").should().beFreeOfCycles().check(all);
  }

  private static void mayImport(String name, String... packages) {
    List<String> allowed = new ArrayList<>(List.of(packages));
    allowed.add(ours(name));
    allowed.add(""); // primitive types and arrays of them
    classes()
        .that()
        .resideInAPackage(ours(name))
        .should()
        .onlyDependOnClassesThat()
        .resideInAnyPackage(allowed.toArray(String[]::new))
        .check(all);
  }

  private static String ours(String name) {
    return "io.chasqui." + name + "..";
  }
}
