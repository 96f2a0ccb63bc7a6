package freellmproxy.exchange;

import freellmproxy.catalog.Model;
import freellmproxy.chat.ChatRequest.Trait;
import java.time.Duration;
import java.util.List;
import java.util.Set;

/**
 * A chat request that no model was asked for (contract section 10, {@code request_rejected}).
 *
 * @param reason one of the contract's reasons
 * @param status what the client got
 * @param traits what could be seen of the request
 * @param snapshotSize models on the list at that moment
 */
public record Rejection(
    String requestId,
    String reason,
    int status,
    Set<Trait> traits,
    List<Model> filteredOut,
    int snapshotSize,
    Duration duration) {}
