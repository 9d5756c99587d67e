package topic_test

import (
	"testing"

	"github.com/leatsql/leat/internal/topic/topictest"
)

// The whole contract again, over an embedded server with a file store.
func TestJetStreamContract(t *testing.T) {
	t.Parallel()
	topictest.Run(t, func(t *testing.T, maxBytes int64) topictest.Shard {
		t.Helper()
		return topictest.OpenJetStream(t, topictest.StartServer(t, t.TempDir()).Connect(t), maxBytes)
	})
}
