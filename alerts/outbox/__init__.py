"""Messages kept until their receiver has accepted them."""
