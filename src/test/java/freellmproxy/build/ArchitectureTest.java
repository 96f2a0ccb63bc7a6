package freellmproxy.build;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.library.dependencies.SlicesRuleDefinition;
import java.time.Clock;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Who may know whom ({@code ARCHITECTURE.md}). */
final class ArchitectureTest {
  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .importPackages("freellmproxy");

  @Test
  void dependenciesPointOneWay() {
    SlicesRuleDefinition.slices()
        .matching("freellmproxy.(*)..")
        .should()
        .beFreeOfCycles()
        .check(CLASSES);
  }

  @ParameterizedTest
  @ValueSource(strings = {"config", "sse", "json", "catalog", "chat", "time", "api", "egress"})
  void theGroundFloorKnowsNobodyAbove(String room) {
    noClasses()
        .that()
        .resideInAPackage("freellmproxy." + room)
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(
            "freellmproxy",
            "freellmproxy.routing",
            "freellmproxy.upstream",
            "freellmproxy.exchange",
            "freellmproxy.observe",
            "freellmproxy.http",
            "freellmproxy.setup",
            "freellmproxy.doctor",
            "freellmproxy.sandbox")
        .check(CLASSES);
  }

  @Test
  void nobodySeesTheFrontOrTheRoot() {
    noClasses()
        .that()
        .resideOutsideOfPackages("freellmproxy", "freellmproxy.http")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("freellmproxy", "freellmproxy.http")
        .check(CLASSES);
  }

  @Test
  void onlyTheRoomOfTimeReadsTheClock() {
    noClasses()
        .that()
        .resideOutsideOfPackage("freellmproxy.time")
        .should()
        .callMethod(System.class, "nanoTime")
        .orShould()
        .callMethod(System.class, "currentTimeMillis")
        .orShould()
        .callMethod(Instant.class, "now")
        .orShould()
        .dependOnClassesThat()
        .areAssignableTo(Clock.class)
        .check(CLASSES);
  }

  @Test
  void onlyTheCommandLineReadsTheEnvironment() {
    noClasses()
        .that()
        .resideOutsideOfPackage("freellmproxy")
        .should()
        .callMethod(System.class, "getenv")
        .orShould()
        .callMethod(System.class, "getenv", String.class)
        .check(CLASSES);
  }

  @Test
  void nobodyWritesToStandardOut() {
    noClasses()
        .should()
        .accessField(System.class, "out")
        .orShould()
        .accessField(System.class, "err")
        .check(CLASSES);
  }
}
