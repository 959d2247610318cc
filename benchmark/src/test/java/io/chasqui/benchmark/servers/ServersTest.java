package io.chasqui.benchmark.servers;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.chasqui.benchmark.abuse.AbuseBench;
import io.chasqui.benchmark.cold.ColdBench;
import io.chasqui.benchmark.energy.EnergyBench;
import io.chasqui.benchmark.profile.ProfileBench;
import io.chasqui.benchmark.servers.Servers.Model;
import io.chasqui.benchmark.servers.Servers.Variant;
import io.chasqui.benchmark.soak.SoakBench;
import io.chasqui.benchmark.streams.StreamBench;
import io.chasqui.model.CpuLimit;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

class ServersTest {
  @TempDir Path directory;

  private Servers servers;

  @BeforeEach
  void setUp() throws IOException {
    servers =
        new Servers(directory.resolve("root"), new PeerDirectory(directory), CpuLimit.processors());
    Files.createDirectories(directory.resolve("root/target"));
  }

  private Launch launch(Variant variant, Model model) throws IOException {
    return servers.launch(variant, model, 16, directory.resolve("server.log"));
  }

  @Test
  void whatIsNotThereSaysHowToGetIt() throws IOException {
    assertTrue(servers.missing(Variant.NATIVE).orElseThrow().contains("./chasqui native"));
    assertTrue(servers.missing(Variant.LLAMA_CPP).orElseThrow().contains("peers/setup"));
    assertTrue(servers.missing(Variant.AOT).isPresent());
    assertEquals(Optional.empty(), servers.missing(Variant.JVM));
  }

  @Test
  void anExecutableAndAnAotCacheAreFound() throws IOException {
    Path executable = Files.createFile(directory.resolve("root/target/chasqui"));
    assertTrue(executable.toFile().setExecutable(true));
    Path cache = Files.createFile(directory.resolve("root/target/app.aot"));

    assertEquals(Optional.empty(), servers.missing(Variant.NATIVE));
    assertEquals(Optional.empty(), servers.missing(Variant.AOT));
    assertTrue(servers.files(Variant.AOT, Model.DEMO).contains(cache));
    assertEquals(
        List.of(executable, directory.resolve("model.chasqui")),
        servers.files(Variant.NATIVE, Model.PEER));
  }

  @Test
  void theDemoModelIsWhatIsServedUnlessAModelIsNamed() throws IOException {
    List<String> demo = launch(Variant.NATIVE, Model.DEMO).command();
    List<String> peer = launch(Variant.NATIVE, Model.PEER).command();

    assertEquals(directory.resolve("root/target/chasqui").toString(), demo.getFirst());
    assertTrue(!demo.contains("--model") && peer.contains("--model"));
  }

  @Test
  void aSlotOfLlamaServerHasAContextOfItsOwn() throws IOException {
    String command = String.join(" ", launch(Variant.LLAMA_CPP, Model.PEER).command());

    assertTrue(command.contains("-c 32768 -np 16"), command);
  }

  @Test
  void theUsualVariantsAreMeasuredAsFarAsTheyAreThere() throws IOException {
    EnumSet<Variant> all = EnumSet.allOf(Variant.class);

    assertEquals(List.of(Variant.JVM), servers.present(Set.of(), all));
    var failure =
        assertThrows(
            IllegalArgumentException.class, () -> servers.present(Set.of(Variant.NATIVE), all));
    assertTrue(failure.getMessage().contains("./chasqui native"), failure.getMessage());
  }

  @Test
  void theAotCacheIsSwitchedOffForThePlainJvm() throws IOException {
    assertEquals("off", launch(Variant.JVM, Model.DEMO).environment().get("CHASQUI_AOT"));
    assertEquals("on", launch(Variant.AOT, Model.DEMO).environment().get("CHASQUI_AOT"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          no/such -r 0                    | at least 1
          no/such --variants gpu          | '--variants'
          no/such --page-cache cold       | '--page-cache'
          no/such --variants llama-cpp    | there is no no/such/llama.cpp/run
          no/such --models demo -r 0      | at least 1
          no/such --variants jvm          | there is no such file: no/such/model.chasqui
          """)
  void aMistakeIsOneLine(String options, String message) {
    assertIsOneLine(ColdBench.commandLine(), options, message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          no/such -r 0                    | at least 1
          no/such --scenarios 3x          | '--scenarios'
          no/such --variants native       | ./chasqui native
          no/such --variants jvm          | there is no such file: no/such/model.chasqui
          """)
  void aMistakeWithStreamsIsOneLine(String options, String message) {
    assertIsOneLine(StreamBench.commandLine(), options, message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          --rounds 0                      | at least 1
          --requests 4                    | at least --rounds
          --greedy 0                      | at least 1
          --rate 0                        | --rate above 0
          --variant gpu                   | '--variant'
          --variant native                | ./chasqui native
          --model no/such                 | there is no such file: no/such
          """)
  void aMistakeWithAbuseIsOneLine(String options, String message) {
    assertIsOneLine(AbuseBench.commandLine(), options, message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          --streams 0                     | at least 1
          --duration 20s                  | at least 30s
          --duration soon                 | is no time such as 90s
          --variant llama-cpp             | only Chasqui
          --variant native                | ./chasqui native
          --model no/such                 | there is no such file: no/such
          """)
  void aMistakeWithASoakIsOneLine(String options, String message) {
    assertIsOneLine(SoakBench.commandLine(), options, message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          --rounds 0                      | at least 1
          --seconds 0                     | --seconds above 0
          --variants llama-cpp            | benchmark/peers/setup
          --variants native               | ./chasqui native
          --variants jvm --model no/such  | there is no such file: no/such
          no/such --model file            | leave out --model
          no/such --variants jvm          | there is no such file: no/such/model.chasqui
          """)
  void aMistakeWithEnergyIsOneLine(String options, String message) {
    assertIsOneLine(EnergyBench.commandLine(), options, message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          --rounds 0                      | at least 1
          --n-gen 0                       | at least 1
          --n-prompt 100000               | within the context of
          --n-gen 100000                  | within the context of
          --model no/such                 | there is no such file: no/such
          """)
  void aMistakeWithAProfileIsOneLine(String options, String message) {
    assertIsOneLine(ProfileBench.commandLine(), options, message);
  }

  private void assertIsOneLine(CommandLine line, String options, String message) {
    var error = new StringWriter();
    String root = System.setProperty("chasqui.root", directory.resolve("root").toString());
    try {
      assertEquals(2, line.setErr(new PrintWriter(error)).execute(options.split(" ")));
    } finally {
      if (root == null) {
        System.clearProperty("chasqui.root");
      } else {
        System.setProperty("chasqui.root", root);
      }
    }
    List<String> lines = error.toString().lines().toList();
    assertEquals(1, lines.size(), error.toString());
    assertTrue(lines.getFirst().contains(message), error.toString());
  }
}
