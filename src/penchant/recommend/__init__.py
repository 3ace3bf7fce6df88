"""What should we show this member now, and why?"""
