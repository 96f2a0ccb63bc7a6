package freellmproxy.catalog;

/** What a request may need and a model may offer (contract section 4). */
public enum Capability {
  TOOLS("supportsTools", "tools"),
  TOOL_CHOICE("supportsToolChoice", "tool_choice"),
  STRUCTURED_OUTPUTS("supportsStructuredOutputs", "structured_outputs"),
  RESPONSE_FORMAT("supportsResponseFormat", "response_format"),
  SEED("supportsSeed", "seed"),
  STOP("supportsStop", "stop"),
  REASONING("supportsReasoning", "reasoning");

  private final String flag;
  private final String parameter;

  Capability(String flag, String parameter) {
    this.flag = flag;
    this.parameter = parameter;
  }

  /** The field of a list entry that says whether a model has it. */
  public String flag() {
    return flag;
  }

  /** Its name in {@code supported_parameters} and in messages to clients. */
  public String parameter() {
    return parameter;
  }
}
