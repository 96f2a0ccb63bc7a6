package freellmproxy.sandbox;

/** STUB. */
public final class SandboxUpstream {}
