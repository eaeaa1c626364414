"""The key-value store in the column "nats-py"."""

from time import perf_counter_ns

from nats.js.api import StorageType
from nats.js.errors import NotFoundError

KEYS = 100


async def kv_put(nc, count, size, width):
    kv = await filled_bucket(nc, size)
    return await time_each(count, lambda key: kv.put(key, b"x" * size))


async def kv_get(nc, count, size, width):
    kv = await filled_bucket(nc, size)
    return await time_each(count, kv.get)


async def kv_keys(nc, count, size, width):
    kv = await filled_bucket(nc, size, count)
    start = perf_counter_ns()
    await kv.keys()
    return perf_counter_ns() - start, []


async def kv_watch(nc, count, size, width):
    kv = await filled_bucket(nc, size, count)
    start = perf_counter_ns()
    watcher = await kv.watchall()
    for _ in range(count):
        await watcher.updates()
    time = perf_counter_ns() - start
    await watcher.stop()
    return time, []


async def time_each(count, operation):
    latencies = []
    start = perf_counter_ns()
    for i in range(count):
        asked = perf_counter_ns()
        await operation(f"key.{i % KEYS}")
        latencies.append(perf_counter_ns() - asked)
    return perf_counter_ns() - start, latencies


async def filled_bucket(nc, size, keys=KEYS):
    js = nc.jetstream()
    try:
        await js.delete_key_value("BENCH")
    except NotFoundError:
        pass
    kv = await js.create_key_value(bucket="BENCH", storage=StorageType.MEMORY)
    for i in range(keys - 1):
        await nc.publish(f"$KV.BENCH.key.{i}", b"x" * size)
    await kv.put(f"key.{keys - 1}", b"x" * size)
    return kv


WORKS = {"kv_put": kv_put, "kv_get": kv_get, "kv_keys": kv_keys, "kv_watch": kv_watch}
