defmodule Programs.Inbox do
  def run do
    send(self(), {:order, 7})
    number = next()
    late = next()
    {number, late}
  end

  def next do
    receive do
      {:order, number} ->
        number + 1
    after
      0 ->
        :nothing
    end
  end
end
