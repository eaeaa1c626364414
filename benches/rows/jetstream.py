"""JetStream in the column "nats-py"."""

from time import perf_counter_ns

from nats.js.api import AckPolicy, ConsumerConfig, StorageType
from nats.js.errors import NotFoundError


async def js_publish(nc, count, size, width):
    js = await fresh_stream(nc)
    payload = b"x" * size
    latencies = []
    start = perf_counter_ns()
    for _ in range(count):
        asked = perf_counter_ns()
        await js.publish("bench.stream", payload)
        latencies.append(perf_counter_ns() - asked)
    return perf_counter_ns() - start, latencies


async def js_publish_async(nc, count, size, width):
    js = await fresh_stream(nc, publish_async_max_pending=width)
    payload = b"x" * size
    start = perf_counter_ns()
    for _ in range(count):
        await js.publish_async("bench.stream", payload, wait_stall=60)
    await js.publish_async_completed()
    return perf_counter_ns() - start, []


async def js_fetch(nc, count, size, width):
    js = await filled_stream(nc, count, size)
    config = ConsumerConfig(ack_policy=AckPolicy.EXPLICIT, max_ack_pending=-1)
    subscription = await js.pull_subscribe("bench.stream", durable="FETCH", config=config)
    left = count
    start = perf_counter_ns()
    while left > 0:
        for message in await subscription.fetch(min(width, left)):
            await message.ack()
            left -= 1
    time = perf_counter_ns() - start
    await subscription.unsubscribe()
    return time, []


async def js_ordered(nc, count, size, width):
    js = await filled_stream(nc, count, size)
    start = perf_counter_ns()
    subscription = await js.subscribe("bench.stream", ordered_consumer=True)
    for _ in range(count):
        await subscription.next_msg(timeout=10)
    time = perf_counter_ns() - start
    await subscription.unsubscribe()
    return time, []


async def fresh_stream(nc, **options):
    js = nc.jetstream(**options)
    try:
        await js.delete_stream("BENCH")
    except NotFoundError:
        pass
    await js.add_stream(name="BENCH", subjects=["bench.stream"], storage=StorageType.MEMORY)
    return js


async def filled_stream(nc, count, size):
    js = await fresh_stream(nc)
    for _ in range(count):
        await nc.publish("bench.stream", b"x" * size)
    while (await js.stream_info("BENCH")).state.messages < count:
        pass
    return js


WORKS = {
    "js_publish": js_publish,
    "js_publish_async": js_publish_async,
    "js_fetch": js_fetch,
    "js_fetch_list": js_fetch,
    "js_ordered": js_ordered,
}
