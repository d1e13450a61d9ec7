package diagnose

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// redisState is what Redis says of itself.
type redisState struct {
	// info is empty where Redis does not permit to ask for it.
	info map[string]string
	// ahead is how far our clock is ahead of Redis's; timed is false where it did not say.
	ahead time.Duration
	timed bool
}

func (x *scene) askRedis(ctx context.Context) (redisState, error) {
	var state redisState
	if err := x.Redis.Ping(ctx).Err(); err != nil {
		return state, err
	}
	sent := x.Now()
	if there, err := x.Redis.Time(ctx).Result(); err == nil {
		state.ahead, state.timed = sent.Add(x.Now().Sub(sent)/2).Sub(there), true
	}
	text, err := x.Redis.Info(ctx).Result()
	if err != nil {
		return state, nil //nolint:nilerr // a Redis that keeps this to itself works all the same
	}
	state.info = map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			state.info[name] = value
		}
	}
	return state, nil
}

func lookRedis(ctx context.Context, x *scene) outcome {
	state, err := x.redis.get(ctx)
	if err != nil {
		return failure(fmt.Sprintf("Redis does not answer: %v", err), "Start Redis, and see that REDIS_URL of the router has its address, user and password.")
	}
	if state.info["role"] == "slave" {
		return failure("it is a replica, which takes no changes", "Set REDIS_URL of the router to the primary's address, and restart the router.")
	}
	return ok("it answers%s", version(state))
}

func version(state redisState) string {
	if v := state.info["redis_version"]; v != "" {
		return ", version " + v
	}
	return ""
}

func lookPersistence(ctx context.Context, x *scene) outcome {
	state, err := x.redis.get(ctx)
	if err != nil {
		return waits(redisAnswers)
	}
	return persistence(state.info)
}

// persistence reads INFO: settings and links are in Redis only.
func persistence(info map[string]string) outcome {
	var all problems
	switch info["aof_enabled"] {
	case "":
		return warning("Redis does not say how it keeps its data", "Permit the router +info in Redis's ACL; see to it that Redis has appendonly yes and maxmemory-policy noeviction. talkctl export makes a copy of the settings.")
	case "0":
		all.add(failure("the append-only file is off: a restart of Redis loses the settings and links of all projects",
			"Set appendonly yes in redis.conf (now, without a restart: redis-cli CONFIG SET appendonly yes)."))
	}
	if written := info["aof_last_write_status"]; written != "" && written != "ok" {
		all.add(failure("the last write to the append-only file failed", "Give Redis's disk room, and look at Redis's log."))
	}
	for _, name := range []string{"aof_last_bgrewrite_status", "rdb_last_bgsave_status"} {
		if status := info[name]; status != "" && status != "ok" {
			all.add(warning(name+" is "+status, "Give Redis's disk and memory room, and look at Redis's log."))
		}
	}
	if policy := info["maxmemory_policy"]; policy != "" && policy != "noeviction" {
		const fix = "Set maxmemory-policy noeviction in redis.conf (now: redis-cli CONFIG SET maxmemory-policy noeviction)."
		if limit := info["maxmemory"]; limit == "0" {
			all.add(warning("the eviction policy is "+policy+", which would throw settings away if memory were limited", fix))
		} else {
			all.add(failure("the eviction policy is "+policy+": when memory is short, Redis throws settings away", fix))
		}
	}
	return all.or(ok("the append-only file is on, nothing is evicted"))
}
