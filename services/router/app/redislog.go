package app

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/redis/go-redis/v9"
)

// LogRedis makes what the Redis library says, for the whole process, part of our log. Call it before New.
func LogRedis(log *slog.Logger) { redis.SetLogger(redisLog{log}) }

type redisLog struct{ log *slog.Logger }

// Printf is what the library calls.
func (r redisLog) Printf(ctx context.Context, format string, values ...any) {
	r.log.WarnContext(ctx, "redis", "said", fmt.Sprintf(format, values...))
}
