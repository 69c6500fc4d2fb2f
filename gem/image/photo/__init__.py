"""What happens to a page between the cart and the picture: a bent sheet, light, a lens, a sensor; all of it seeded and recorded."""
