defmodule Programs.Prices do
  def of(name) do
    price = String.length(name)
    price * 10
  end
end

defmodule Programs.Remote do
  alias Programs.Prices

  def run do
    price = Prices.of("pear")
    here = :erpc.call(node(), Prices, :of, ["fig"])
    price + here
  end
end
