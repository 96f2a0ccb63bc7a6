package freellmproxy.doctor;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import freellmproxy.config.Redactor;
import io.vertx.core.MultiMap;
import java.io.IOException;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Optional;

/** What came back from one address that was asked. */
sealed interface Answer {
  /** An answer, whatever its status. */
  record Answered(int status, MultiMap headers, byte[] body) implements Answer {
    private static final ObjectMapper JSON = new ObjectMapper();

    /** The body; a missing node when it is no JSON. */
    JsonNode json() {
      try {
        return JSON.readTree(body);
      } catch (IOException e) {
        return JSON.missingNode();
      }
    }

    String text() {
      return new String(body, UTF_8);
    }

    boolean isPage() {
      return String.valueOf(headers.get("content-type")).startsWith("text/html")
          || text().stripLeading().startsWith("<");
    }

    boolean isRedirect() {
      return status >= 300 && status < 400 && headers.contains("location");
    }

    /** Where a Date is fresh; an answer out of a cache has an old one. */
    Optional<Instant> date() {
      String date = headers.get("date");
      if (date == null || headers.contains("age")) {
        return Optional.empty();
      }
      try {
        return Optional.of(
            ZonedDateTime.parse(date, DateTimeFormatter.RFC_1123_DATE_TIME).toInstant());
      } catch (DateTimeException noDate) {
        return Optional.empty();
      }
    }

    /** The status, and what the server says of it as far as it may be shown. */
    String said(Redactor redactor) {
      String words = words(redactor);
      return words.isEmpty() ? "it answered " + status : "it answered " + status + ": " + words;
    }

    private String words(Redactor redactor) {
      if (isPage()) {
        String title = Words.title(text(), redactor);
        return title.isEmpty() ? "a web page" : "a web page, \"" + title + "\"";
      }
      JsonNode json = json();
      for (String place : new String[] {"/error/message", "/error", "/message", "/detail"}) {
        if (json.at(place).isTextual()) {
          return Words.quoted(json.at(place).asText(), redactor);
        }
      }
      return json.isMissingNode() ? Words.quoted(text(), redactor) : "";
    }
  }

  /**
   * None.
   *
   * @param why half a sentence
   * @param remedy what to do about it
   */
  record Silent(String why, String remedy) implements Answer {}
}
