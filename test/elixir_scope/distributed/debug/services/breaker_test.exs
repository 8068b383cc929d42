defmodule ElixirScope.Distributed.Debug.Services.BreakerTest do
  use ExUnit.Case, async: true

  import ElixirScope.Distributed.Case.Gen

  alias ElixirScope.Distributed.Debug.Services.Breaker

  @limits Breaker.limits()
  @failures @limits.failures

  defp broken(breaker \\ %Breaker{}, why \\ :silent, now),
    do: Enum.reduce(1..@failures, breaker, fn _, b -> Breaker.failed(b, why, now) end)

  test "opens after so many failures, and not before" do
    almost =
      Enum.reduce(1..(@failures - 1), %Breaker{}, fn n, b -> Breaker.failed(b, :busy, n) end)

    assert {:ok, ^almost} = Breaker.ask(almost, 9, false)
    open = Breaker.failed(almost, :busy, 10)
    assert {{:open, wait_ms}, ^open} = Breaker.ask(open, 11, false)
    assert wait_ms == @limits.open_ms - 1
  end

  test "failures that are far apart do not add up, and an answer forgets them" do
    window = @limits.window_ms
    lone = Enum.reduce(1..50, %Breaker{}, &Breaker.failed(&2, :silent, &1 * (window + 1)))
    assert %{state: :closed, failures: 1} = lone

    for(_ <- 1..50, do: :ok)
    |> Enum.reduce(%Breaker{}, fn _, b ->
      b = Breaker.failed(b, :silent, 0)
      assert b.state == :closed
      Breaker.answered(b)
    end)
  end

  test "one call is let through after a while; others once it is known how that went" do
    open = broken(0)
    assert {:ok, half} = Breaker.ask(open, @limits.open_ms, false)
    assert {{:open, _}, ^half} = Breaker.ask(half, @limits.open_ms + 1, false)
    assert {:ok, _} = half |> Breaker.answered() |> Breaker.ask(@limits.open_ms + 1, false)

    again = Breaker.failed(half, :silent, @limits.open_ms + 1)
    assert {{:open, wait_ms}, _} = Breaker.ask(again, @limits.open_ms + 1, false)
    assert wait_ms == 2 * @limits.open_ms
  end

  test "who was let through and never said how it went is not waited for" do
    assert {:ok, half} = Breaker.ask(broken(0), @limits.open_ms, false)
    assert {:ok, _} = Breaker.ask(half, @limits.open_ms + @limits.probe_ms, false)
  end

  test "a new connection is news of who could not be reached, and not of who was silent" do
    assert {:ok, %{state: :half_open}} = Breaker.ask(broken(%Breaker{}, :unreachable, 0), 1, true)
    assert {{:open, _}, _} = Breaker.ask(broken(0), 1, true)
  end

  # Events: time passes, somebody asks, an answer, a failure.
  defp events do
    list(
      one_of([
        tuple([constant(:pass), integer(0..12_000)]),
        tuple([constant(:ask), one_of([constant(true), constant(false)])]),
        constant(:answered),
        tuple([constant(:failed), one_of(Enum.map([:silent, :busy, :unreachable], &constant/1))])
      ])
    )
  end

  test "is as the model of it, whatever happens" do
    property(events(), [runs: 500], fn events ->
      Enum.reduce(events, {0, %Breaker{}, []}, &happens/2)
    end)
  end

  defp happens({:pass, ms}, {now, breaker, past}), do: {now + ms, breaker, past}

  defp happens(:answered, {now, _breaker, _past} = state) do
    breaker = Breaker.answered(elem(state, 1))
    assert breaker == %Breaker{}
    {now, breaker, []}
  end

  defp happens({:failed, why}, {now, breaker, past}) do
    {now, checked(Breaker.failed(breaker, why, now), now), [{:failed, now, why} | past]}
  end

  defp happens({:ask, connected?}, {now, breaker, past}) do
    {answer, after_it} = Breaker.ask(breaker, now, connected?)
    allowed? = model(Enum.reverse(past), now, connected?)
    assert {answer == :ok, past} == {allowed?, past}
    with {:open, ms} <- answer, do: assert(ms > 0 and after_it == breaker)
    past = if answer == :ok, do: [{:asked, now, connected?} | past], else: past
    {now, checked(after_it, now), past}
  end

  defp checked(breaker, now) do
    assert breaker.open_ms in @limits.open_ms..@limits.longest_ms
    assert breaker.state == :closed or breaker.until_ms - now <= @limits.longest_ms
    breaker
  end

  # All that happened since the last answer, told once more from its beginning.
  defp model(past, now, connected?) do
    case Enum.reduce(past, {:counting, []}, &told/2) do
      {:counting, _times} -> true
      {:shut, until, _ms, why} -> now >= until or (why == :unreachable and connected?)
      {:trying, until, _ms} -> now >= until
    end
  end

  defp told({:failed, at, why}, {:counting, times}) do
    times = [at | if(times != [] and at - hd(times) <= @limits.window_ms, do: times, else: [])]

    if length(times) >= @failures,
      do: {:shut, at + @limits.open_ms, @limits.open_ms, why},
      else: {:counting, times}
  end

  defp told({:failed, _at, _why}, {:shut, _, _, _} = shut), do: shut

  defp told({:failed, at, why}, {:trying, _until, ms}) do
    ms = min(2 * ms, @limits.longest_ms)
    {:shut, at + ms, ms, why}
  end

  defp told({:asked, _at, _connected?}, {:counting, times}), do: {:counting, times}

  defp told({:asked, at, _connected?}, {:shut, _, ms, _}),
    do: {:trying, at + @limits.probe_ms, ms}

  defp told({:asked, at, _connected?}, {:trying, _, ms}), do: {:trying, at + @limits.probe_ms, ms}
end
