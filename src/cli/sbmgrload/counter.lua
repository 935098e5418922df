-- Counts messages; each tick tells the rate since the last one, and after ten rates their extremes and mean.
require "math"
require "os"
require "string"

-- Kept by preserve_data, so they are globals.
total = 0
told = 0
told_at = os.time() * 1e9
samples, lowest, highest, sum = 0, 0, 0, 0

function process_message()
    total = total + 1
    return 0
end

local function add_sample(rate)
    if samples == 0 then
        lowest, highest, sum = rate, rate, 0
    end
    samples, sum = samples + 1, sum + rate
    lowest, highest = math.min(lowest, rate), math.max(highest, rate)
end

function timer_event(ns)
    local fresh, elapsed = total - told, ns - told_at
    if fresh == 0 or elapsed <= 0 then
        return
    end
    told, told_at = total, ns
    local rate = fresh * 1e9 / elapsed
    add_sample(rate)
    inject_payload("txt", "", string.format("Got %d messages. %0.2f msg/sec", total, rate))
    if samples == 10 then
        inject_payload("txt", "", string.format("AGG Sum. Min: %0.2f Max: %0.2f Mean: %0.2f", lowest, highest, sum / samples))
        samples = 0
    end
end
