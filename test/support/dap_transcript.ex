defmodule ElixirScope.Distributed.DapTranscript do
  @moduledoc false
  # One whole session as text that is the same each time: requests with their answers in the order in which
  # they were asked, then events in theirs. What depends on the machine, the run or the version of OTP has a
  # name instead. SCOPE_GOLDEN=write writes it anew.

  import ExUnit.Assertions

  alias ElixirScope.Distributed.CLI.Json

  @folder Path.expand("../fixtures/dap", __DIR__)

  @doc "Asserts that the session is that of the file."
  def assert_golden(name, log, folder) do
    path = Path.join(@folder, name)
    text = text(log, folder)

    if System.get_env("SCOPE_GOLDEN") == "write" do
      File.mkdir_p!(@folder)
      File.write!(path, text)
    end

    assert text == File.read!(path), "not as in #{Path.relative_to_cwd(path)}:\n#{text}"
  end

  defp text(log, folder) do
    answers =
      for %{"type" => "response"} = answer <- log, into: %{}, do: {answer["request_seq"], answer}

    events = for %{"type" => "event"} = event <- log, event["event"] != "output", do: event

    output =
      for %{"event" => "output", "body" => %{"category" => "stdout"} = body} <- log,
          do: body["output"]

    asked =
      for %{"type" => "request"} = request <- log, do: asked(request, answers[request["seq"]])

    lines =
      Enum.concat([asked, Enum.map(events, &event/1), ["* stdout #{inspect(shop(output))}"]])

    lines |> Enum.map_join(&[&1, ?\n]) |> anywhere(folder)
  end

  # What Mix says of compiling depends on who came first.
  defp shop(output) do
    output
    |> Enum.join()
    |> String.split("\n")
    |> Enum.reject(&(&1 =~ ~r/Compil|Generated/))
    |> Enum.join("\n")
  end

  defp asked(request, answer) do
    how = if answer["success"], do: "<-", else: "<- no:"
    body = if answer["success"], do: json(answer["body"]), else: ""
    "-> #{request["command"]} #{json(request["arguments"])}\n#{how} #{body}"
  end

  defp event(event), do: "* #{event["event"]} #{json(event["body"])}"

  defp json(nil), do: ""
  defp json(body), do: body |> plain() |> Json.encode() |> IO.iodata_to_binary()

  # How deep the stack is that OTP itself makes is its own business.
  defp plain(map) when is_map(map) do
    for {key, value} <- map, key not in ["totalFrames"], into: %{} do
      {key, if(key == "systemProcessId", do: "PID", else: plain(value))}
    end
  end

  defp plain(list) when is_list(list), do: Enum.map(list, &plain/1)
  defp plain(other), do: other

  defp anywhere(text, folder),
    do:
      text
      |> String.replace(folder, "PROJECT")
      |> String.replace(~r/scope-target-\w+@127\.0\.0\.1/, "TARGET")
end
